/** What the chat's clients and server say to each other. */
export interface ToServer {
  /** Answered with the names of all who are there. */
  enter: (name: string, answer: (people: string[]) => void) => void;
  say: (text: string) => void;
}

export interface ToClient {
  entered: (name: string) => void;
  said: (name: string, text: string) => void;
  left: (name: string) => void;
}
