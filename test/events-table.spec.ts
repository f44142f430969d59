import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { JOB_EVENT_NAMES } from '../lib/core/events.js';
import { expectInReadme, tableOf } from './readme-table.js';

const SOURCE = fileURLToPath(new URL('../lib/core/events.ts', import.meta.url));
const MAP = 'JobEventMap';

/** The members of the interface that types the events, as it stands in the source. */
function membersOf(text: string): readonly ts.PropertySignature[] {
  const source = ts.createSourceFile(SOURCE, text, ts.ScriptTarget.Latest, true);
  const map = source.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === MAP);
  return (map as ts.InterfaceDeclaration).members.filter((member) => ts.isPropertySignature(member));
}

/** What an event tells: its fields, or what it is. */
function told({ type }: ts.PropertySignature): string {
  if (!type || !ts.isTypeLiteralNode(type)) return type?.getText() === 'PublishedJob' ? 'what `publish` gives' : '';
  return type.members.map((field) => `\`${field.name?.getText() ?? ''}\``).join(', ');
}

function meaning(member: ts.PropertySignature): string {
  const [comment] = ts.getJSDocCommentsAndTags(member);
  return (ts.getTextOfJSDocComment(comment?.comment) ?? '').replaceAll('\n', ' ');
}

test('the table of events in README is what the code tells', async () => {
  const members = membersOf(readFileSync(SOURCE, 'utf8'));
  expect(members.map(({ name }) => name.getText())).toEqual(JOB_EVENT_NAMES);
  for (const member of members) {
    expect([told(member), meaning(member)], member.name.getText()).not.toContain('');
  }
  const rows = members.map((member) => [`\`${member.name.getText()}\``, meaning(member), told(member)]);
  await expectInReadme('events', tableOf([['event', 'when', 'it tells'], ...rows]));
});
