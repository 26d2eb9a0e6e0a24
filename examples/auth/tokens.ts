/** JSON Web Tokens by `jose`: who somebody is, signed by us, for a while. */
import { randomBytes } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";

export interface User {
  readonly user: string;
  readonly role: string;
}

/** Tokens end with the process. Where several processes share them, this comes from the configuration. */
const key = randomBytes(32);

export function createToken({ user, role }: User, lifetime: string): Promise<string> {
  return new SignJWT({ role })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime(lifetime)
    .sign(key);
}

/** Throws where the token is not ours, was changed, or is too old. */
export async function readToken(token: string): Promise<User> {
  const { payload } = await jwtVerify(token, key, { algorithms: ["HS256"], requiredClaims: ["sub", "exp"] });
  return { user: String(payload.sub), role: String(payload.role) };
}
