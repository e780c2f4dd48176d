/** What `View` in Python puts beside the widget's own mime type. */

import { isRecord, isString } from '../api/guards';

export const VIEW_MIME = 'application/vnd.sysdesign.view+json';
export const WIDGET_MIME = 'application/vnd.jupyter.widget-view+json';

export interface IViewBundle {
  /** Id of the widget model; empty: there is none. */
  modelId: string;
  html: string;
}

export function readBundle(value: unknown): IViewBundle {
  const { model_id, html } = isRecord(value) ? value : {};
  return {
    modelId: isString(model_id) ? model_id : '',
    html: isString(html) ? html : ''
  };
}
