// SPDX-License-Identifier: Apache-2.0
// An OpenID provider for tests: the certified library oidc-provider, on loopback, with faults on request. Never for production.
//
//   TLS_CERT=c.pem TLS_KEY=k.pem PORT=0 AUTO=1 node idp.mjs      prints "idp ready ISSUER" once it listens
//
// AUTO=1 signs in login_hint (or DEFAULT_USER) without a page, so `curl -sL -b jar -c jar` is a browser; without it the
// library's own login and consent forms must be posted. Device codes are always approved at the library's own form.
// Seconds, by environment: AT_TTL ID_TTL RT_TTL DEVICE_TTL. ROTATE=0 keeps refresh tokens.
//
// Control, JSON over HTTP (loopback only, like everything here):
//   POST /_test/fault    {"path":"/token","status":503,"body":"..","headers":{},"delay_ms":5,"drop":true,"hang":true,
//                         "truncate":10,"times":1}     answers the next `times` requests to path like that
//   POST /_test/user     {"sub":"carol","groups":["a"]}, or {"sub":"carol","delete":true}
//   POST /_test/autouser {"sub":"bob"}                 whom AUTO signs in where no login_hint says it
//   POST /_test/ttl      {"id":5}                      lifetime of ID tokens from now on
//   POST /_test/rotate   {"keep":true}                 new signing keys; keep publishes the old ones beside them
//   POST /_test/clear                                  forgets faults, counts and requests
//   GET  /_test/counts                                 {"/token": 2, ...}
//   GET  /_test/requests                               [{"ms":..,"method":..,"path":..,"status":..}, ...]
import Provider from 'oidc-provider';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const env = (name, fallback) => (process.env[name] === undefined ? fallback : process.env[name]);
const seconds = (name, fallback) => Number(env(name, fallback));
const AUTO = env('AUTO') === '1';
const TLS = env('TLS_CERT') && { cert: readFileSync(env('TLS_CERT')), key: readFileSync(env('TLS_KEY')) };
const SCOPES = 'openid offline_access email profile groups';
const ALGS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const state = { faults: {}, counts: {}, requests: [], idTtl: seconds('ID_TTL', 300), autoUser: env('DEFAULT_USER', 'alice'), generation: 0 };

// ---- people ----
const people = new Map();
function person(sub, groups, extra = {}) {
  people.set(sub, { sub, email: `${sub}@example.test`, email_verified: true, preferred_username: sub, name: sub, groups, ...extra });
}
person('alice', ['platform-admins', 'dev']);
person('bob', ['dev']);
person('carol', ['k8s-restricted-users']);
person('nobody-special', []);
const nameOf = (hint) => (people.has(hint) ? hint : [...people.values()].find((p) => p.email === hint)?.sub);

// ---- keys: one of every family the API server or we must take or refuse ----
function newKeys() {
  const n = ++state.generation;
  const key = (type, options, extra) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...extra });
  return [
    key('rsa', { modulusLength: 2048 }, { kid: `rsa-${n}` }),
    key('ec', { namedCurve: 'P-256' }, { kid: `p256-${n}`, alg: 'ES256' }),
    key('ec', { namedCurve: 'P-384' }, { kid: `p384-${n}`, alg: 'ES384' }),
    key('ec', { namedCurve: 'P-521' }, { kid: `p521-${n}`, alg: 'ES512' }),
    key('ed25519', {}, { kid: `ed25519-${n}`, alg: 'EdDSA' }),
  ];
}
let keys = newKeys();

// ---- clients: "kube" and one for each algorithm, public; two that hold a secret ----
const client = (id, alg, extra = {}) => ({
  client_id: id, application_type: 'native', token_endpoint_auth_method: 'none', response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  id_token_signed_response_alg: alg, redirect_uris: ['http://127.0.0.1/callback'], post_logout_redirect_uris: ['http://127.0.0.1/bye'], ...extra });
const clients = [
  client('kube', 'RS256'),
  ...ALGS.map((alg) => client(`kube-${alg.toLowerCase()}`, alg)),
  client('kube-secret', 'RS256', { client_secret: 'test-only-secret', token_endpoint_auth_method: 'client_secret_basic' }),
];

// ---- storage that outlives a change of keys (a Provider object's own does not) ----
const shelf = new Map();
class Shelf {
  constructor(kind) { this.kind = kind; }
  static live(key) {
    const value = shelf.get(key);
    if (value && value.until < Date.now()) { shelf.delete(key); return undefined; }
    return value;
  }
  find(id) { return Promise.resolve(Shelf.live(`${this.kind}:${id}`)); }
  first(test) {
    for (const key of shelf.keys()) {
      const value = key.startsWith(`${this.kind}:`) && Shelf.live(key);
      if (value && test(value)) return Promise.resolve(value);
    }
    return Promise.resolve(undefined);
  }
  findByUserCode(code) { return this.first((v) => v.userCode === code); }
  findByUid(uid) { return this.first((v) => v.uid === uid); }
  async upsert(id, payload, ttl) { shelf.set(`${this.kind}:${id}`, { ...payload, until: ttl ? Date.now() + ttl * 1000 : Infinity }); }
  async consume(id) { const v = shelf.get(`${this.kind}:${id}`); if (v) v.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { shelf.delete(`${this.kind}:${id}`); }
  async revokeByGrantId(grant) { for (const [key, v] of shelf) if (v.grantId === grant) shelf.delete(key); }
}

async function fullGrant(Grant, clientId, accountId) {
  const grant = new Grant({ clientId, accountId });
  grant.addOIDCScope(SCOPES);
  await grant.save();
  return grant;
}

// AUTO: a first-party provider that shows no page.
const silent = {
  interactions: { url: (ctx, interaction) => `/_auto/${interaction.uid}` },
  loadExistingGrant: (ctx) => fullGrant(ctx.oidc.provider.Grant, ctx.oidc.client.clientId, ctx.oidc.session.accountId),
};

const configuration = () => ({
  adapter: Shelf,
  clients,
  jwks: { keys },
  cookies: { keys: ['test-only'] },
  enabledJWA: { idTokenSigningAlgValues: ALGS },
  pkce: { required: (ctx, c) => c.clientAuthMethod === 'none' },
  scopes: SCOPES.split(' '),
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'], groups: ['groups'] },
  conformIdTokenClaims: false, // claims of a scope go into the ID token itself, where the API server looks
  features: {
    devInteractions: { enabled: !AUTO },
    deviceFlow: { enabled: true, mask: '****-****', charset: 'base-20' },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  rotateRefreshToken: env('ROTATE') !== '0',
  issueRefreshToken: (ctx, c, code) => c.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
  ttl: {
    AccessToken: seconds('AT_TTL', 300), IdToken: () => state.idTtl, RefreshToken: seconds('RT_TTL', 86400), AuthorizationCode: 60,
    DeviceCode: seconds('DEVICE_TTL', 300), Session: 86400, Grant: 86400, Interaction: 600 },
  findAccount: (ctx, id) => people.has(id) && { accountId: id, claims: async () => people.get(id) },
  renderError: async (ctx, out) => { ctx.type = 'json'; ctx.body = out; },
  ...(AUTO ? silent : {}),
});

let provider;
let answer;
function build() {
  provider = new Provider(state.issuer, configuration());
  // Loopback redirects: any port and any path (RFC 8252 section 7.3 lets the port vary; our listener's path is random).
  provider.Client.prototype.redirectUriAllowed = (uri) => /^http:\/\/(127\.0\.0\.1|\[::1\]):\d+\/[A-Za-z0-9_-]*$/.test(uri);
  provider.on('server_error', (ctx, error) => console.error('server_error', error));
  answer = provider.callback();
}

// ---- control ----
const controls = {
  fault: (j) => { (state.faults[j.path] ||= []).push({ times: 1, ...j }); },
  user: (j) => { if (j.delete) people.delete(j.sub); else person(j.sub, j.groups || [], j.claims); },
  autouser: (j) => { state.autoUser = j.sub; },
  ttl: (j) => { state.idTtl = j.id; },
  rotate: (j) => { const old = keys; keys = newKeys().concat(j.keep ? old : []); build(); return keys.map((k) => k.kid); },
  clear: () => { Object.assign(state, { faults: {}, counts: {}, requests: [] }); },
  counts: () => state.counts,
  requests: () => state.requests,
};

async function control(req, res, name) {
  let body = '';
  for await (const chunk of req) body += chunk;
  const known = Object.hasOwn(controls, name);
  const out = known ? controls[name](body ? JSON.parse(body) : {}) : { error: 'no such control' };
  res.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
  res.end(JSON.stringify(out ?? { ok: true }));
}

// ---- faults: true when the request was dealt with ----
async function faulty(req, res, path) {
  const queue = state.faults[path];
  const fault = queue?.[0];
  if (!fault) return false;
  if (--fault.times <= 0) queue.shift();
  if (fault.delay_ms) await new Promise((done) => { setTimeout(done, fault.delay_ms); });
  if (fault.hang) return true;
  if (fault.drop) { req.socket.destroy(); return true; }
  if (!fault.status) return false;
  const body = fault.body || '';
  const length = Buffer.byteLength(body) + (fault.truncate || 0);
  res.writeHead(fault.status, { 'content-type': 'application/json', 'content-length': length, ...fault.headers });
  if (fault.truncate) res.write(body, () => req.socket.destroy());
  else res.end(body);
  return true;
}

async function signIn(req, res) {
  const asked = await provider.interactionDetails(req, res);
  const sub = nameOf(asked.params.login_hint) || state.autoUser;
  let result = { error: 'access_denied', error_description: 'no such person' };
  if (asked.prompt.name === 'login' && people.has(sub)) result = { login: { accountId: sub } };
  if (asked.prompt.name === 'consent')
    result = { consent: { grantId: (await fullGrant(provider.Grant, asked.params.client_id, asked.session.accountId)).jti } };
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
}

function note(req, res, path) {
  const row = { ms: Date.now(), method: req.method, path };
  state.counts[path] = (state.counts[path] || 0) + 1;
  if (state.requests.length < 10000) state.requests.push(row);
  res.on('close', () => { row.status = res.statusCode; });
}

async function serve(req, res) {
  const path = new URL(req.url, state.issuer).pathname;
  if (path.startsWith('/_test/')) return control(req, res, path.slice('/_test/'.length));
  note(req, res, path.replace(/^(\/(_auto|interaction|auth|device))\/[A-Za-z0-9_-]{20,}/, '$1/*'));
  if (await faulty(req, res, path)) return undefined;
  return AUTO && path.startsWith('/_auto/') ? signIn(req, res) : answer(req, res);
}

function listener(req, res) {
  serve(req, res).catch((error) => { console.error(error); res.statusCode = 500; res.end(); });
}

const server = TLS ? https.createServer(TLS, listener) : http.createServer(listener);
server.listen(Number(env('PORT', 0)), '127.0.0.1', () => {
  state.issuer = `${TLS ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
  build();
  console.log(`idp ready ${state.issuer}`);
});
process.on('SIGTERM', () => process.exit(0));
