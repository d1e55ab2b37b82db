// A real OpenID provider (oidc-provider) on the loopback, for the tests of single sign-on. Prints its issuer, serves until
// it is ended. argv[2]: JSON { clientId, clientSecret, redirectUris, accounts: { login: claims } }.
//
// POST /test/tamper with JSON changes the claims of every ID token from then on and signs it again with the provider's own
// key: what a faulty or hostile provider could send. {} ends it; `strange_key` signs with a key nobody knows.
import http from "node:http";
import { SignJWT, decodeJwt, exportJWK, generateKeyPair, importJWK } from "jose";
import Provider from "oidc-provider";

const { clientId, clientSecret, redirectUris, accounts } = JSON.parse(process.argv[2]);
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), kid: "test", alg: "RS256", use: "sig" };
const state = { tamper: {} };

const server = http.createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris }],
  findAccount: (_ctx, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only for tests"] },
  jwks: { keys: [jwk] },
  pkce: { required: () => true },
});

async function signedAgain(token) {
  const { strange_key: strange, ...changed } = state.tamper;
  const key = strange ? (await generateKeyPair("RS256")).privateKey : await importJWK(jwk, "RS256");
  const claims = { ...decodeJwt(token), ...changed };
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "test" }).sign(key);
}

provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === "/token" && ctx.body?.id_token && Object.keys(state.tamper).length > 0)
    ctx.body.id_token = await signedAgain(ctx.body.id_token);
});

const answer = provider.callback();
server.on("request", async (request, response) => {
  if (request.url !== "/test/tamper") return answer(request, response);
  let body = "";
  for await (const piece of request) body += piece;
  state.tamper = JSON.parse(body);
  response.end("ok");
});
console.log(issuer);
