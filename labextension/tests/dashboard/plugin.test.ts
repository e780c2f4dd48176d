import { CommandRegistry } from '@lumino/commands';
import { CommandIDs } from '../../src/commands';
import { dashboardPlugin } from '../../src/dashboard/plugin';

test('a dashboard that could not be loaded is said to whoever asks for it', async () => {
  jest.doMock('../../src/dashboard/widget', () => {
    throw new Error('Loading chunk 7 failed.');
  });
  const commands = new CommandRegistry();
  void dashboardPlugin.activate({ commands } as never, {}, {});
  await expect(
    commands.execute(CommandIDs.openDashboard, { workspace: 'w' })
  ).rejects.toMatchObject({
    message: 'The dashboard could not be loaded.',
    hint: 'Open it again, or reload the page, to try again.'
  });
});
