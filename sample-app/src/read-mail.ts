/** Reads as much of a mail as the mailbox shows: its headers, and a body of plain text. */
export function readMail(raw: Buffer): { id: string; subject: string; text: string } {
  // One character a byte, until it is known what the bytes are.
  const source = raw.toString('latin1');
  const end = source.indexOf('\r\n\r\n');
  const header = readHeader(end < 0 ? source : source.slice(0, end));
  const body = end < 0 ? '' : source.slice(end + 4);
  return {
    id: header('message-id'),
    subject: header('subject'),
    text: decode(body, header('content-transfer-encoding')).replaceAll('\r\n', '\n'),
  };
}

function readHeader(source: string): (name: string) => string {
  const fields = source.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  return (name) => {
    const field = fields.find((line) => line.toLowerCase().startsWith(`${name}:`)) ?? '';
    return decodeWords(field.slice(name.length + 1).trim());
  };
}

/** `=?UTF-8?B?…?=` and `=?UTF-8?Q?…?=`; blanks between two of them count for nothing. */
function decodeWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?(.*?)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === 'b' ? decode(text, 'base64') : decode(text.replaceAll('_', ' '), 'quoted-printable'),
    );
}

function decode(text: string, encoding: string): string {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(text, 'base64').toString();
    case 'quoted-printable':
      return Buffer.from(unquote(text), 'latin1').toString();
    default:
      return Buffer.from(text, 'latin1').toString();
  }
}

function unquote(text: string): string {
  return text
    .replace(/=\r\n/g, '')
    .replace(/=([\dA-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
