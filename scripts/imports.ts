import { posix } from 'node:path';
import ts from 'typescript';

export interface Import {
  /** What stands between the quotes, or undefined where it is computed. */
  readonly specifier: string | undefined;
  /** `import()` that runs, as opposed to `import … from`, `export … from` and types. */
  readonly lazy: boolean;
  /** `export … from`. */
  readonly reexport: boolean;
  readonly line: number;
}

/** Every import of a source, those of types included. */
export function importsOf(path: string, text: string): Import[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (node: ts.Node, name: ts.Node | undefined, lazy: boolean): void => {
    found.push({
      specifier: name && ts.isStringLiteralLike(name) ? name.text : undefined,
      lazy,
      reexport: ts.isExportDeclaration(node),
      line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
    });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, false);
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node, node.moduleSpecifier, false);
    else if (ts.isExternalModuleReference(node)) add(node, node.expression, false);
    else if (ts.isImportTypeNode(node))
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, false);
    else if (ts.isCallExpression(node) && isLoading(node.expression)) add(node, node.arguments[0], true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isLoading(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

/** The file of the tree that a relative import means: `./x.js` is `x.ts` beside it. */
export function targetOf(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}
