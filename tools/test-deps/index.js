#!/usr/bin/env node
// `node tools/test-deps NAME…`: finds each tool that the tests and benches use, installs it where it is missing and allowed,
// and prints its path, one a line. Plain JavaScript without dependencies: it runs on any Node >= 20.
import { ensureTool, toolNames } from './tools.js'

function main() {
  const names = process.argv.slice(2)
  if (names.length === 0) {
    console.error(`usage: node tools/test-deps NAME…\nnames: ${toolNames().join(' ')}`)
    return 2
  }
  let missing = 0
  for (const name of names) {
    const found = ensureTool(name, { install: true })
    if (found.path !== null) {
      console.log(found.path)
      continue
    }
    console.error(`test-deps: ${name} cannot be had: ${found.reason}`)
    missing += 1
  }
  return missing === 0 ? 0 : 1
}

process.exitCode = main()
