/** Shows the running environments above the status bar; Escape or a click elsewhere closes it. */

import { showPopup, type Popup } from '@jupyterlab/statusbar';
import type { CommandRegistry } from '@lumino/commands';
import { t } from '../i18n';
import { View } from '../lab/view';
import type { IEnvironments, ISysdesignSettings } from '../tokens';
import type { StatusItem } from './item';
import { Running } from './Running';

export function showRunning(
  anchor: StatusItem,
  commands: CommandRegistry,
  environments: IEnvironments,
  settings: ISysdesignSettings
): Popup {
  const body = new View(
    () => (
      <Running
        environments={environments}
        settings={settings}
        commands={commands}
      />
    ),
    [environments.changed, settings.changed]
  );
  body.addClass('sd-running-popup');
  body.node.setAttribute('role', 'dialog');
  body.node.setAttribute('aria-label', t('Running environments'));
  body.node.tabIndex = -1;
  const watching = environments.watch();
  anchor.isOpen = true;
  const popup = showPopup({
    body,
    anchor,
    align: 'left',
    hasDynamicSize: true
  });
  body.disposed.connect(() => {
    watching.dispose();
    const { activeElement } = document;
    if (activeElement === document.body || body.node.contains(activeElement)) {
      anchor.focus(); // who has clicked elsewhere goes on there
    }
    anchor.isOpen = false;
  });
  body.node.focus();
  return popup;
}
