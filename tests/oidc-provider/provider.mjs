// A real OpenID provider for tests/http_oidc.rs: node provider.mjs MODULES PORT SETTINGS
// SETTINGS is JSON: redirect, secret (none: a public client), method, in_token (claims in the ID token), groups (by person).
// Its own development pages ask who somebody is, and let everybody in. Says `ready` when it listens.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [modules, port, text] = process.argv.slice(2);
const settings = JSON.parse(text);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'video-compressor',
    client_secret: settings.secret ?? undefined,
    token_endpoint_auth_method: settings.method,
    redirect_uris: [settings.redirect],
    grant_types: ['authorization_code'],
    response_types: ['code'],
  }],
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'], groups: ['groups'] },
  conformIdTokenClaims: !settings.in_token,
  cookies: { keys: [randomUUID()] },
  jwks: { keys: [key] },
  pkce: { methods: ['S256'], required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: `${id}.of.tests`,
      email: `${id}@example.org`,
      groups: settings.groups[id] ?? [],
    }),
  }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
