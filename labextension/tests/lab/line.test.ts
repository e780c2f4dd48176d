import { CommandRegistry } from '@lumino/commands';
import { CommandIDs } from '../../src/commands';
import { openAtLine } from '../../src/lab/line';

function opening(widget: unknown): CommandRegistry {
  const commands = new CommandRegistry();
  commands.addCommand(CommandIDs.openFile, {
    describedBy: { args: {} },
    execute: () => widget
  });
  return commands;
}

test('the cursor goes to the line, once the file was read', async () => {
  const done: unknown[] = [];
  let read = (): void => undefined;
  const ready = new Promise<void>(resolve => {
    read = resolve;
  });
  const editor = {
    setCursorPosition: (position: unknown) => done.push(position),
    focus: () => done.push('focus')
  };
  const commands = opening({ context: { ready }, content: { editor } });
  const opened = openAtLine(commands, 'app/server.py', 12);
  await Promise.resolve();
  expect(done).toEqual([]);
  read();
  await opened;
  expect(done).toEqual([{ line: 11, column: 0 }, 'focus']);
});

test.each([undefined, {}, { content: { editor: {} } }])(
  'what is no editor is opened and left alone',
  async widget => {
    await expect(openAtLine(opening(widget), 'a.png', 3)).resolves.toBe(
      undefined
    );
  }
);
