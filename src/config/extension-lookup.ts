/** Which extensions this program has. */
export interface ExtensionLookup {
  /** Whether a factory takes this type: `type.googleapis.com/…` or the bare message name. */
  has(typeUrl: string): boolean;
}
