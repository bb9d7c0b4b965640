import type { CertificateValidationContext, TlsCertificate, TlsSessionTicketKeys } from '#api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { Secret } from '#api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { SecretLookup } from '../contract/secrets.ts';

/** `static_resources.secrets` of one thread. Kinds have names of their own. */
export class StaticSecrets implements SecretLookup {
  private readonly certificates = new Map<string, TlsCertificate>();
  private readonly validationContexts = new Map<string, CertificateValidationContext>();
  private readonly ticketKeys = new Map<string, TlsSessionTicketKeys>();

  constructor(secrets: readonly Secret[]) {
    for (const { name, type } of secrets) {
      if (type.case === 'tlsCertificate') this.certificates.set(name, type.value);
      else if (type.case === 'validationContext') this.validationContexts.set(name, type.value);
      else if (type.case === 'sessionTicketKeys') this.ticketKeys.set(name, type.value);
    }
  }

  tlsCertificate(name: string): TlsCertificate | null {
    return this.certificates.get(name) ?? null;
  }

  validationContext(name: string): CertificateValidationContext | null {
    return this.validationContexts.get(name) ?? null;
  }

  sessionTicketKeys(name: string): TlsSessionTicketKeys | null {
    return this.ticketKeys.get(name) ?? null;
  }
}
