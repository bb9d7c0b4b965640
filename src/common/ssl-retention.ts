/**
 * What of a TLS connection must outlive its close, since somebody reads it in a log that is written later. Set while a configuration is read, by whoever
 * will read; never unset. The rest costs nothing at a close.
 */
export const sslRetention = {
  peerCertificate: false,
  sessionId: false,
  group: false,
};
