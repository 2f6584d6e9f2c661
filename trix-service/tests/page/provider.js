// An OpenID provider on loopback. Its users sign in with any password; the tests can let it send ID tokens that are wrong.

import { createPrivateKey, createSign, generateKeyPairSync } from "node:crypto";
import http from "node:http";

import Provider from "oidc-provider";

import { freePort } from "./farm.js";

/** The client: a farm. */
export const CLIENT = { id: "trix", secret: "a secret of forty characters, or so, here" };
/** The groups of the users. */
export const GROUPS = { anna: ["staff", "ingest"], boris: ["it"], vera: ["guests"] };

const encoded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const part = (token, at) => JSON.parse(Buffer.from(token.split(".")[at], "base64url"));
const newKey = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

function signed(header, claims, jwk) {
  const text = `${encoded(header)}.${encoded(claims)}`;
  const signature = createSign("RSA-SHA256").update(text).sign(createPrivateKey({ key: jwk, format: "jwk" }));
  return `${text}.${signature.toString("base64url")}`;
}

export class OpenId {
  /** Starts a provider that sends its users to `back`. */
  static async start(back) {
    const own = new OpenId();
    const port = await freePort();
    // For a browser, this is another site than 127.0.0.1, where farms are.
    own.issuer = `http://localhost:${port}`;
    own.key = { ...newKey(), kid: "tests", use: "sig", alg: "RS256" };
    own.groups = structuredClone(GROUPS);
    /** Changes each ID token before it is sent. */
    own.change = null;
    const provider = new Provider(own.issuer, {
      clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [back], grant_types: ["authorization_code"], response_types: ["code"] }],
      scopes: ["openid", "profile", "groups"],
      claims: { openid: ["sub"], profile: ["name", "preferred_username"], groups: ["groups"] },
      // Claims stand in the ID token, as most providers have it.
      conformIdTokenClaims: false,
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: id, preferred_username: id, groups: own.groups[id] ?? [] }) }),
      features: { devInteractions: { enabled: true } },
      jwks: { keys: [own.key] },
      cookies: { keys: ["a key of the tests"] },
      pkce: { required: () => true },
    });
    provider.use(async (context, next) => {
      await next();
      const token = context.body?.id_token;
      if (token && own.change) context.body.id_token = own.change(token);
    });
    own.server = http.createServer(provider.callback());
    await new Promise((resolve) => own.server.listen(port, "127.0.0.1", resolve));
    return own;
  }

  /** Settings of a farm that knows this provider. */
  settings() {
    return {
      oidc: { issuer: this.issuer, client_id: CLIENT.id, client_secret: CLIENT.secret, name: "Studio", name_claim: "preferred_username", role_claim: "groups" },
      "oidc.roles": { viewer: ["staff"], operator: ["ingest"], administrator: ["it"] },
    };
  }

  /** ID tokens that must be refused: what is wrong, and how it is made. */
  wrongTokens() {
    const claims = (change) => (token) => signed(part(token, 0), { ...part(token, 1), ...change }, this.key);
    return {
      "without a signature": (token) => `${encoded({ alg: "none", typ: "JWT" })}.${token.split(".")[1]}.`,
      "with a signature of another key": (token) => signed(part(token, 0), part(token, 1), newKey()),
      "altered after it was signed": (token) => [token.split(".")[0], encoded({ ...part(token, 1), groups: ["it"] }), token.split(".")[2]].join("."),
      "for another client": claims({ aud: "another" }),
      "of another provider": claims({ iss: "http://127.0.0.1:1" }),
      "of another sign-in": claims({ nonce: "another" }),
      "that is too old": claims({ iat: 1_700_000_000, exp: 1_700_000_600 }),
    };
  }

  end() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
