/** Event streams, and the polls of the bare server. */
import { mark } from "../servers/http/application.ts";
import { type Dialect, type Join, mute } from "./conversation.ts";
import { RawHttp } from "./http.ts";

/** Of clients that hear and say nothing; they are in when `until` has come. */
export function streamJoin(path: string, until: string): Join {
  return async (port, heard) => {
    await new RawHttp(port).stream(path, undefined, until, heard);
    return mute;
  };
}

export const betterSse: Dialect = { "event-source": streamJoin("/", "\r\n\r\n") };

let clients = 0;

export const bare: Dialect = {
  "event-source": streamJoin("/stream", "\r\n\r\n"),
  async "long-polling"(port, heard) {
    const down = new RawHttp(port);
    const path = `/poll/${++clients}`;
    const listen = async (): Promise<void> => {
      for (;;) heard((await down.request(path)).split(mark).length - 1);
    };
    void listen();
    return mute;
  },
};
