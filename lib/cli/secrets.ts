/** What stands in the place of a secret. */
const MASK = '***';

/**
 * A text as it may be shown: without the passwords of URLs in it.
 *
 * @param urls those whose passwords are not to be shown wherever they stand
 */
export function withoutSecrets(text: string, urls: readonly string[] = []): string {
  const masked = text.replaceAll(/\b([a-z][a-z\d+.-]*:\/\/[^\s/:@]*):(\S+)@/gi, `$1:${MASK}@`);
  return urls.flatMap(passwordsOf).reduce((shown, secret) => shown.replaceAll(secret, MASK), masked);
}

/** As it is written and as it is meant. One of a few characters would tear other words. */
function passwordsOf(url: string): string[] {
  const password = URL.canParse(url) ? new URL(url).password : '';
  let plain = password;
  try {
    plain = decodeURIComponent(password);
  } catch {
    // A stray % means itself.
  }
  return [...new Set([plain, password])].filter((secret) => secret.length > 3);
}
