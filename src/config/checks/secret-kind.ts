/** Envoy's words for the kinds of static secrets. */
const KINDS: Readonly<Record<string, string>> = {
  tlsCertificate: 'TlsCertificate',
  validationContext: 'CertificateValidationContext',
  sessionTicketKeys: 'TlsSessionTicketKeys',
  genericSecret: 'GenericSecret',
};

export function secretKind(member: string | undefined): string {
  return KINDS[member ?? ''] ?? '';
}
