/** What stands in the place of a secret. */
const MASK = '***';

/**
 * A text as it may be shown: without the passwords of URLs in it.
 *
 * @param url one whose password is not to be shown wherever it stands
 */
export function withoutSecrets(text: string, url?: string): string {
  const masked = text.replaceAll(/\b([a-z][a-z\d+.-]*:\/\/[^\s/:@]*):(\S+)@/gi, `$1:${MASK}@`);
  return passwordsOf(url).reduce((shown, secret) => shown.replaceAll(secret, MASK), masked);
}

/** As it is written and as it is meant. One of a few characters would tear other words. */
function passwordsOf(url: string | undefined): string[] {
  const password = url && URL.canParse(url) ? new URL(url).password : '';
  let plain = password;
  try {
    plain = decodeURIComponent(password);
  } catch {
    // A stray % means itself.
  }
  return [...new Set([plain, password])].filter((secret) => secret.length > 3);
}
