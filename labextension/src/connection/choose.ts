/** Which transport a view uses, and the hub that belongs to it. */

import { asProblem } from '../api/problem';
import { CommTransport, type IMessageModel } from './comm';
import { EventHub } from './hub';
import { page } from './page';
import { pageServer } from './pageserver';
import { ServerTransport } from './server';
import type { ITransport } from './transport';

export interface IConnection {
  readonly transport: ITransport;
  hub(environment: string): EventHub;
  dispose(): void;
}

/**
 * Connect through the server where it answers, else through the widget's comm.
 *
 * The server is asked once per page; all views share that answer and the event subscriptions.
 */
export async function connect(model: IMessageModel): Promise<IConnection> {
  const shared = page();
  shared.transport ??= throughServer();
  const transport = await shared.transport;
  if (transport) {
    return {
      transport,
      hub: environment => hubOf(shared.hubs, environment, transport),
      dispose: () => undefined // other views share it; an unused hub closes itself
    };
  }
  shared.transport = null; // the next view asks again: the server may be back by then
  const comm = new CommTransport(model);
  const hubs = new Map<string, EventHub>();
  return {
    transport: comm,
    hub: environment => hubOf(hubs, environment, comm),
    dispose: () => {
      for (const hub of hubs.values()) {
        hub.dispose();
      }
      comm.dispose();
    }
  };
}

async function throughServer(): Promise<ITransport | null> {
  const server = page().server ?? pageServer();
  if (!server) {
    return null;
  }
  const transport = new ServerTransport(server);
  try {
    await transport.request('GET', '/v1');
  } catch (error) {
    const problem = asProblem(error);
    // Our plugin says that this is the server: then what is wrong with it has to be shown. A page of
    // someone else's may have no extension behind it, and the kernel can still help.
    return page().server && problem.code !== 'no_extension' ? transport : null;
  }
  return transport;
}

/** The one hub of an environment, made on first use. */
export function hubOf(
  hubs: Map<string, EventHub>,
  environment: string,
  transport: ITransport
): EventHub {
  let hub = hubs.get(environment);
  if (!hub) {
    hub = new EventHub(environment, transport);
    hubs.set(environment, hub);
  }
  return hub;
}
