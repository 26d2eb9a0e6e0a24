/** What server and clients say to each other. */

export interface Order {
  readonly table: number;
  readonly dish: string;
}

export interface ToClient {
  ordered(number: number, order: Order): void;
  served(number: number, by: string): void;
}

export interface ToServer {
  serve(number: number): void;
}
