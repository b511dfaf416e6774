#!/usr/bin/env bash
# undici 7.30.2 and socks-proxy-agent 10.1.0 (npm): which scheme of a SOCKS proxy has names resolved on its far side.
# Promised: with socks5h:// the proxy resolves names, and with socks5:// the client does, as curl has it
# (https://curl.se/docs/manpage.html, --socks5-hostname; socks-proxy-agent's README). undici's ProxyAgent and
# EnvHttpProxyAgent take a SOCKS5 proxy's URL (undici's docs/docs/api/Socks5ProxyAgent.md).
# Guess: socks5h:// serves both. Instead undici refuses the scheme, and has the proxy resolve for socks5://, where
# socks-proxy-agent looks the name up itself: of the three words only socks:// makes both ask the proxy, and that word is
# not one of curl's.
# Ours: `tunnel env` of a proxy prints socks5h://.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir"
npm init -y >log && npm install --ignore-scripts --no-audit --no-fund undici@7.30.2 socks-proxy-agent@10.1.0 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | tail -n +2
cat >judge.mjs <<'END'
import http from "node:http";
import net from "node:net";
import { SocksProxyAgent } from "socks-proxy-agent";
import { ProxyAgent, request } from "undici";

let asked;
const proxy = net.createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", () => {
    socket.write(Buffer.from([5, 0]));
    socket.once("data", (b) => {
      asked = "asks the proxy for " + (b[3] === 3 ? b.subarray(5, 5 + b[4]) : "an address");
      socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])); // refused: who asks is all that counts
    });
  });
});
proxy.listen(0, "127.0.0.1", async () => {
  for (const scheme of ["socks5h", "socks5", "socks"]) {
    const url = `${scheme}://127.0.0.1:${proxy.address().port}`;
    for (const [name, get] of [
      ["undici", async () => request("http://orders.invalid/", { dispatcher: new ProxyAgent(url) })],
      ["socks-proxy-agent", () => new Promise((_, fail) => http.get("http://orders.invalid/", { agent: new SocksProxyAgent(url) }).on("error", fail))],
    ]) {
      asked = "";
      const error = await get().catch((error) => error);
      console.log(`${scheme}: ${name} ${asked || (error.code === "UND_ERR_INVALID_ARG" ? "refuses the URL" : "asks the resolver")}`);
    }
  }
  process.exit();
});
END
got=$(node --no-warnings judge.mjs)
want='socks5h: undici refuses the URL
socks5h: socks-proxy-agent asks the proxy for orders.invalid
socks5: undici asks the proxy for orders.invalid
socks5: socks-proxy-agent asks the resolver
socks: undici asks the proxy for orders.invalid
socks: socks-proxy-agent asks the proxy for orders.invalid'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }
