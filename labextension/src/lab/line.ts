/** Opens a file at a line, in the frontend's own editor. */

import type { CommandRegistry } from '@lumino/commands';
import { isRecord } from '../api/guards';
import { CommandIDs } from '../commands';

interface IEditor {
  setCursorPosition(position: { line: number; column: number }): void;
  focus(): void;
}

/**
 * @param path as the file browser shows it
 * @param line counted from 1; one past the end is the last
 */
export async function openAtLine(
  commands: CommandRegistry,
  path: string,
  line: number
): Promise<void> {
  const opened: unknown = await commands.execute(CommandIDs.openFile, { path });
  const { context, content } = isRecord(opened) ? opened : {};
  // An editor has no lines before its file was read.
  await (isRecord(context) ? context['ready'] : null);
  const editor = isRecord(content) ? content['editor'] : null;
  if (isEditor(editor)) {
    editor.setCursorPosition({ line: line - 1, column: 0 });
    editor.focus();
  }
}

function isEditor(value: unknown): value is IEditor {
  return isRecord(value) && typeof value['setCursorPosition'] === 'function';
}
