import type { Message } from '@bufbuild/protobuf';
import type { NamedCertificate, TlsContextCertificates } from '../../contract/secrets.ts';
import { daysUntil } from '../certificate-store.ts';
import { makeMessage } from './json.ts';

/** The answer of `/certs`: one element for each TLS context. `now`: wall clock, ms. */
export function certificatesMessage(contexts: readonly TlsContextCertificates[], now: number): Message {
  return makeMessage('envoy.admin.v3.Certificates', {
    certificates: contexts.map(({ ca, chain }) =>
      makeMessage('envoy.admin.v3.Certificate', {
        caCert: ca === null ? [] : details(ca, now),
        certChain: chain.flatMap((each) => details(each, now)),
      })),
  });
}

function details({ path, info }: NamedCertificate, now: number): Message[] {
  if (info === null) return [];
  const names = [
    ...info.dnsSans.map((value) => ({ case: 'dns', value })),
    ...info.uriSans.map((value) => ({ case: 'uri', value })),
    ...info.ipSans.map((value) => ({ case: 'ipAddress', value })),
  ];
  return [
    makeMessage('envoy.admin.v3.CertificateDetails', {
      path,
      serialNumber: info.serialNumber,
      subjectAltNames: names.map((name) => makeMessage('envoy.admin.v3.SubjectAlternateName', { name })),
      daysUntilExpiration: BigInt(daysUntil(info.validTo, now)),
      validFrom: timestamp(info.validFrom),
      expirationTime: timestamp(info.validTo),
    }),
  ];
}

function timestamp(ms: number): Message {
  return makeMessage('google.protobuf.Timestamp', { seconds: BigInt(Math.floor(ms / 1_000)), nanos: 0 });
}
