/** Names of descriptors as JavaScript properties, by the rules of protoc and of the generated types. */

/** What every object has already. */
const TAKEN: ReadonlySet<string> = new Set(['constructor', 'toString', 'toJSON', 'valueOf']);

export function safePropertyName(name: string): string {
  return TAKEN.has(name) ? `${name}$` : name;
}

/** protoc's rule: underscores go, the letter after one becomes upper case. */
export function camelCase(name: string): string {
  if (!name.includes('_')) return name;
  let camel = '';
  let upper = false;
  for (const letter of name) {
    if (letter === '_') upper = true;
    else {
      camel += upper ? letter.toUpperCase() : letter;
      upper = false;
    }
  }
  return camel;
}
