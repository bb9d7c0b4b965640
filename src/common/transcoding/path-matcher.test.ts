import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { HttpRule } from '#api/google/api/http_pb.js';
import { api } from '../../config/index.ts';
import { parseHttpTemplate } from './http-template.ts';
import { DEFAULT_PATH_MATCHER_OPTIONS, PathMatcher } from './path-matcher.ts';
import type { PathMatcherOptions } from './path-matcher.ts';
import { UNESCAPE_ALL, UNESCAPE_ALL_EXCEPT_RESERVED, UNESCAPE_ALL_EXCEPT_SLASH, urlUnescape } from './percent-encoding.ts';

function rule(pattern: HttpRule['pattern'], body = ''): HttpRule {
  const made = create(api().message<HttpRule>('google.api.HttpRule')) as HttpRule;
  made.pattern = pattern;
  made.body = body;
  return made;
}

/** A matcher of GET templates; each leads to itself. */
function matcherOf(templates: readonly string[], options: Partial<PathMatcherOptions> = {}): PathMatcher<string> {
  const matcher = new PathMatcher<string>({ ...DEFAULT_PATH_MATCHER_OPTIONS, ...options });
  for (const each of templates) assert.equal(matcher.registerRule(rule({ case: 'get', value: each }), each), true, each);
  return matcher;
}

/** Where a path leads and what it binds, in short form. */
function found(matcher: PathMatcher<string>, path: string, query = ''): string | null {
  const match = matcher.lookup('GET', path, query);
  if (match === null) return null;
  return [match.method, ...match.bindings.map((each) => `${each.fieldPath.join('.')}=${each.value}`)].join(' | ');
}

test('templates: segments, verb, variables', () => {
  assert.deepEqual(parseHttpTemplate('/v1/{name=shelves/*}/books/{book.id}:read'), {
    segments: ['v1', 'shelves', '*', 'books', '*'], verb: 'read',
    variables: [{ fieldPath: ['name'], startSegment: 1, endSegment: 3 }, { fieldPath: ['book', 'id'], startSegment: 4, endSegment: 5 }],
  });
  assert.deepEqual(parseHttpTemplate('/{all=**}/end'), {
    segments: ['**', 'end'], verb: '', variables: [{ fieldPath: ['all'], startSegment: 0, endSegment: -2 }],
  });
  assert.deepEqual(parseHttpTemplate('/'), { segments: [], verb: '', variables: [] });
});

test('what is no template', () => {
  const bad = [
    '', 'a', '//', '/a/', '/{a', '/{}', '/{a=}', '/{a.}', '/{a={b}}', '/a:', '/a:b:c', '/a}', '/*a', '/**/*', '/**/{a}', '/**/**', '/{a=*', '/{a}b', '/a:b/c',
  ];
  for (const text of bad) assert.equal(parseHttpTemplate(text), null, text);
});

test('literals go before one segment, and that before all segments', () => {
  const matcher = matcherOf(['/a/b', '/a/{x}', '/a/{y=**}', '/{z=**}/end']);
  assert.equal(found(matcher, '/a/b'), '/a/b');
  assert.equal(found(matcher, '/a/c'), '/a/{x} | x=c');
  assert.equal(found(matcher, '/a/c/d'), '/a/{y=**} | y=c/d');
  assert.equal(found(matcher, '/a'), '/a/{y=**} | y=');
  assert.equal(found(matcher, '/q/end'), '/{z=**}/end | z=q');
  assert.equal(found(matcher, '/end'), null);
  assert.equal(found(matcher, '/q'), null);
});

test('slashes at the end do not count, others do', () => {
  const matcher = matcherOf(['/a', '/']);
  assert.equal(found(matcher, '/a///'), '/a');
  assert.equal(found(matcher, '///'), '/');
  assert.equal(found(matcher, ''), '/');
  assert.equal(found(matcher, '//a'), null);
});

test('verbs: registered ones only, unless all are to be taken', () => {
  const templates = ['/a/{x}', '/a/{x}:go'];
  const matcher = matcherOf(templates);
  assert.equal(found(matcher, '/a/b:go'), '/a/{x}:go | x=b');
  assert.equal(found(matcher, '/a/b:stop'), '/a/{x} | x=b:stop');
  assert.equal(found(matcher, '/a:go/b'), null);
  assert.equal(found(matcherOf(templates, { matchUnregisteredCustomVerb: true }), '/a/b:stop'), null);
});

test('methods: of each rule, and the one for all', () => {
  const matcher = new PathMatcher<string>(DEFAULT_PATH_MATCHER_OPTIONS);
  for (const name of ['get', 'put', 'post', 'delete', 'patch'] as const) matcher.registerRule(rule({ case: name, value: '/a' }, name), name);
  const custom = { $typeName: 'google.api.CustomHttpPattern' as const, kind: '*', path: '/any' };
  matcher.registerRule(rule({ case: 'custom', value: custom }), 'any');
  for (const name of ['get', 'put', 'post', 'delete', 'patch']) {
    assert.deepEqual(matcher.lookup(name.toUpperCase(), '/a', ''), { method: name, bodyFieldPath: name, bindings: [] });
  }
  assert.equal(matcher.lookup('HEAD', '/a', ''), null);
  assert.equal(matcher.lookup('WHATEVER', '/any', '')?.method, 'any');
});

test('additional bindings, and a broken one', () => {
  const first = rule({ case: 'get', value: '/a' });
  first.additionalBindings = [rule({ case: 'post', value: '/b' }, '*')];
  const matcher = new PathMatcher<string>(DEFAULT_PATH_MATCHER_OPTIONS);
  assert.equal(matcher.registerRule(first, 'm'), true);
  assert.equal(matcher.lookup('POST', '/b', '')?.bodyFieldPath, '*');
  first.additionalBindings = [rule({ case: 'post', value: '/b}' })];
  assert.equal(matcher.registerRule(first, 'm'), false);
});

test('a path that two rules claim belongs to none', () => {
  assert.equal(found(matcherOf(['/a/{x}', '/a/{y}']), '/a/b'), null);
});

test('percent encoding: all in one segment, by the setting in several', () => {
  const templates = ['/one/{x}', '/more/{x=**}'];
  assert.equal(found(matcherOf(templates), '/one/%2f%23%20%2523'), '/one/{x} | x=/# %23');
  assert.equal(found(matcherOf(templates), '/more/%2f%23/%20%2523'), '/more/{x=**} | x=%2f%23/ %23');
  assert.equal(found(matcherOf(templates, { urlUnescapeSpec: UNESCAPE_ALL_EXCEPT_SLASH }), '/more/%2f%23/%20'), '/more/{x=**} | x=%2f#/ ');
  assert.equal(found(matcherOf(templates, { urlUnescapeSpec: UNESCAPE_ALL }), '/more/%2f%23/%20'), '/more/{x=**} | x=/#/ ');
  assert.equal(urlUnescape('%', UNESCAPE_ALL, false), '%');
  assert.equal(urlUnescape('%4', UNESCAPE_ALL, false), '%4');
  assert.equal(urlUnescape('%4g%41+', UNESCAPE_ALL, true), '%4gA ');
  assert.equal(urlUnescape('%21%41', UNESCAPE_ALL_EXCEPT_RESERVED, false), '%21A');
});

test('the query: dotted names, ignored ones, plus', () => {
  const matcher = matcherOf(['/a']);
  assert.equal(found(matcher, '/a', 'x.y=1&x.y=2%20+&=3&z&w='), '/a | x.y=1 | x.y=2 + | w=');
  const other = matcherOf(['/a'], { queryParamUnescapePlus: true, ignoredQueryParameters: new Set(['key']) });
  assert.equal(found(other, '/a', 'key=1&x=a+b'), '/a | x=a b');
});

test('a long path takes time in proportion', () => {
  const matcher = matcherOf(['/{x=**}/end', '/a/{x=**}', '/{x=**}/other']);
  assert.equal(matcher.lookup('GET', '/b'.repeat(30_000), ''), null);
  assert.equal(matcher.lookup('GET', `${'/b'.repeat(30_000)}/end`, '')?.method, '/{x=**}/end');
});
