/** What is wrong with a text that `JSON.parse` refuses, without the part of it that some of its messages quote. */
export function jsonFault(error: unknown): string {
  const { message } = error as Error;
  return message.startsWith('Unexpected token') ? 'unexpected token' : message;
}
