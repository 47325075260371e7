/** One label of a domain: letters, digits and what is beyond ASCII; hyphens inside (RFC 5321 4.1.2, RFC 6531 3.3). */
const LABEL = '[a-z0-9\\u{80}-\\u{10ffff}](?:[a-z0-9\\-\\u{80}-\\u{10ffff}]*[a-z0-9\\u{80}-\\u{10ffff}])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`, 'iu');

/** `[192.0.2.1]`, `[IPv6:…]`. */
const ADDRESS_LITERAL = /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|ipv6:[0-9a-f:.]{2,45})\]$/i;

/** Atoms with dots between them, or a quoted string. */
const ATOM = "[a-z0-9!#$%&'*+\\-/=?^_`{|}~\\u{80}-\\u{10ffff}]+";
const LOCAL_PART = new RegExp(`^(?:${ATOM}(?:\\.${ATOM})*|"(?:[^"\\\\]|\\\\[\\x20-\\x7e])+")$`, 'iu');

/** Blanks, controls, formatting and surrogates of every alphabet: nothing that a reader would not see. */
const INVISIBLE = /[\p{C}\p{Z}]/u;

/** Whether a text is a mailbox of RFC 5321, UTF-8 allowed in both parts; octets are counted as SMTP would. */
export const isEmail = (address: string): boolean => {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  return (
    at > 0 &&
    !INVISIBLE.test(address.replaceAll(' ', local.startsWith('"') ? '_' : ' ')) &&
    LOCAL_PART.test(local) &&
    Buffer.byteLength(local) <= 64 &&
    Buffer.byteLength(domain) <= 255 &&
    (ADDRESS_LITERAL.test(domain) ||
      (DOMAIN.test(domain) && domain.split('.').every((label) => Buffer.byteLength(label) <= 63)))
  );
};
