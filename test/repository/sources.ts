/** The project's own source files, parsed: what the checks of this folder look at. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The checkout's top folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A source file: its path from the top folder with forward slashes, its text, its syntax tree. */
export interface Source {
  path: string
  text: string
  tree: ts.SourceFile
}

/** A source from a text, as if it stood at `path`. */
export function sourceOf(path: string, text: string): Source {
  const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind) }
}

/** Every TypeScript file under the folders that exist, in order of path. */
export function sourcesUnder(...folders: string[]): Source[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (name) => `${folder}/${name.replaceAll('\\', '/')}`,
      ),
    )
    .filter((path) => /\.(ts|tsx)$/.test(path) && !path.includes('/node_modules/'))
    .sort()
    .map((path) => sourceOf(path, readFileSync(join(root, path), 'utf8')))
}

/** A file's text, or undefined if there is no such file. */
export function textOf(path: string): string | undefined {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
}

/** Whether a file is a test or lies in the tests' folder. */
export const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path) || path.startsWith('test/')

/**
 * Calls `visit` for every node below `node`, parents first; where `visit` returns false its children are left
 * out.
 */
export function walk(node: ts.Node, visit: (node: ts.Node) => boolean | undefined): void {
  ts.forEachChild(node, (child) => {
    if (visit(child) !== false) walk(child, visit)
  })
}

/** `path:line` of a node, for a message. */
export function placeOf(source: Source, node: ts.Node): string {
  return `${source.path}:${source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1}`
}
