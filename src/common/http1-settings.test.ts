import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Http1ProtocolOptions, HttpProtocolOptions } from '#api/envoy/config/core/v3/protocol_pb.js';
import { KEY_FORMAT_LOWER, KEY_FORMAT_PRESERVE_CASE, KEY_FORMAT_PROPER_CASE, UNDERSCORES_ALLOW, UNDERSCORES_DROP_HEADER } from '../codec/http1/settings.ts';
import { ConfigError } from '../contract/errors.ts';
import type { MessageUnpacker } from '../contract/extension.ts';
import { http1ClientSettingsFromConfig, http1SettingsFromConfig } from './http1-settings.ts';

const PRESERVE_CASE = 'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig';
const unpacker = {
  unpack: () => ({ $typeName: PRESERVE_CASE, forwardReasonPhrase: true, formatterTypeOnEnvoyHeaders: 1 }),
} as unknown as MessageUnpacker;
const around = { streamErrorOnInvalidHttpMessage: true, validateScheme: true };

function options(fields: Partial<Http1ProtocolOptions>): Http1ProtocolOptions {
  return {
    $typeName: 'envoy.config.core.v3.Http1ProtocolOptions',
    acceptHttp10: false,
    defaultHostForHttp10: '',
    enableTrailers: false,
    allowChunkedLength: false,
    sendFullyQualifiedUrl: false,
    allowCustomMethods: false,
    ignoreHttp11Upgrade: [],
    ...fields,
  };
}

const common = { maxHeadersCount: 7, maxResponseHeadersKb: 9, headersWithUnderscoresAction: 2 } as unknown as HttpProtocolOptions;

describe('http1SettingsFromConfig', () => {
  it('has the defaults of Envoy', () => {
    const server = http1SettingsFromConfig(undefined, undefined, unpacker, { streamErrorOnInvalidHttpMessage: false, validateScheme: false });
    assert.deepEqual([server.maxHeadBytes, server.maxHeadersCount, server.allowAbsoluteUrl, server.enableTrailers], [61440, 100, true, false]);
    assert.equal(http1ClientSettingsFromConfig(undefined, undefined, unpacker).maxHeadBytes, 81920);
    assert.ok(Object.isFrozen(server));
  });

  it('reads every field', () => {
    const all = options({
      allowAbsoluteUrl: false, acceptHttp10: true, defaultHostForHttp10: 'h\u00e9', enableTrailers: true, allowChunkedLength: true,
      sendFullyQualifiedUrl: true, allowCustomMethods: true, overrideStreamErrorOnInvalidHttpMessage: false,
    });
    const read = http1SettingsFromConfig(all, common, unpacker, { ...around, maxRequestHeadersKb: 2 });
    assert.deepEqual(read, {
      allowAbsoluteUrl: false, acceptHttp10: true, defaultHostForHttp10: 'h\xc3\xa9', headerKeyFormat: KEY_FORMAT_LOWER, forwardReasonPhrase: false,
      properCaseOnEnvoyHeaders: false, enableTrailers: true, allowChunkedLength: true, streamErrorOnInvalidHttpMessage: false,
      sendFullyQualifiedUrl: true, ignoreUpgrade: null, allowCustomMethods: true, validateScheme: true, maxHeadBytes: 2048, maxHeadersCount: 7,
      headersWithUnderscoresAction: UNDERSCORES_DROP_HEADER,
    });
    assert.equal(http1SettingsFromConfig(options({}), undefined, unpacker, around).streamErrorOnInvalidHttpMessage, true);
  });

  it('never judges the names of responses', () => {
    const read = http1ClientSettingsFromConfig(options({}), common, unpacker);
    assert.deepEqual([read.headersWithUnderscoresAction, read.maxHeadBytes, read.maxHeadersCount], [UNDERSCORES_ALLOW, 9 * 1024, 7]);
  });

  it('reads formats of names', () => {
    const format = (headerFormat: unknown): Http1ProtocolOptions => options({ headerKeyFormat: { headerFormat } } as unknown as Partial<Http1ProtocolOptions>);
    const read = (headerFormat: unknown): unknown[] => {
      const settings = http1ClientSettingsFromConfig(format(headerFormat), undefined, unpacker);
      return [settings.headerKeyFormat, settings.forwardReasonPhrase, settings.properCaseOnEnvoyHeaders];
    };
    assert.deepEqual(read({ case: 'properCaseWords', value: {} }), [KEY_FORMAT_PROPER_CASE, false, false]);
    assert.deepEqual(read({ case: 'statefulFormatter', value: { typedConfig: {} } }), [KEY_FORMAT_PRESERVE_CASE, true, true]);
    assert.throws(
      () => read({ case: 'statefulFormatter', value: {} }),
      (error) => error instanceof ConfigError && error.path === 'header_key_format.stateful_formatter',
    );
  });

  it('matches ignored upgrades', () => {
    const matcher = { $typeName: 'envoy.type.matcher.v3.StringMatcher', ignoreCase: false, matchPattern: { case: 'exact', value: 'foo' } };
    const read = http1SettingsFromConfig(options({ ignoreHttp11Upgrade: [matcher as never] }), undefined, unpacker, around);
    assert.deepEqual([read.ignoreUpgrade?.('foo'), read.ignoreUpgrade?.('Foo')], [true, false]);
    assert.throws(
      () => http1SettingsFromConfig(options({ ignoreHttp11Upgrade: [{ ...matcher, matchPattern: {} } as never] }), undefined, unpacker, around),
      (error) => error instanceof ConfigError && error.path === 'ignore_http_11_upgrade[0]',
    );
  });
});
