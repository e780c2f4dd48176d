/** Plugin `jupyter-sysdesign:translation`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator } from '@jupyterlab/translation';
import { setTranslations } from '../i18n';
import { ITranslations } from '../tokens';

export const translationPlugin: JupyterFrontEndPlugin<ITranslations> = {
  id: 'jupyter-sysdesign:translation',
  description: 'Puts the translations of JupyterLab behind all our texts.',
  autoStart: true,
  optional: [ITranslator],
  provides: ITranslations,
  activate: (
    _app: JupyterFrontEnd,
    translator: ITranslator | null
  ): ITranslations => {
    const translations = translator?.load('jupyter_sysdesign') ?? null;
    setTranslations(translations);
    return { language: translator?.languageCode ?? 'en' };
  }
};
