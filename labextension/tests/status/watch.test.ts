/** The warning that memory runs out. */

import { Notification } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import { MemoryWatch } from '../../src/status/watch';
import type { IEnvironments, ISysdesignSettings } from '../../src/tokens';

const GB = 1024 ** 3;

test('it comes again only after it was well in between', () => {
  const warned = jest.spyOn(Notification, 'warning').mockReturnValue('it');
  const dismissed = jest.spyOn(Notification, 'dismiss').mockReturnValue();
  const list = {
    machine: null as object | null,
    changed: new Signal<object, void>({})
  };
  const settings = { memoryWarning: 10, changed: new Signal<object, void>({}) };
  new MemoryWatch(
    list as unknown as IEnvironments,
    settings as unknown as ISysdesignSettings,
    null
  );
  const left = (percent: number): void => {
    list.machine = {
      memory_bytes: 16 * GB,
      available_bytes: (16 * GB * percent) / 100
    };
    list.changed.emit();
  };
  left(9.9);
  left(10.1);
  left(9.9);
  expect(warned).toHaveBeenCalledTimes(1);
  expect(dismissed).not.toHaveBeenCalled();
  left(20);
  expect(dismissed).toHaveBeenCalledTimes(1);
  left(9.9);
  expect(warned).toHaveBeenCalledTimes(2);
  list.machine = null; // nothing runs any more
  list.changed.emit();
  expect(dismissed).toHaveBeenCalledTimes(2);
});
