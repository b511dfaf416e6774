#!/usr/bin/env bash
# undici 7.30.2 (npm): a request through SOCKS5 to a server at an IPv6 address.
# Promised: Socks5ProxyAgent speaks SOCKS5 (undici's docs/docs/api/Socks5ProxyAgent.md, which lists IPv6 among what it
# supports); RFC 1928 has an address type of its own for IPv6, with sixteen bytes.
# Guess: [2001:db8::1] is asked for as that type, as socks-proxy-agent 10.1.0 does and undici does for IPv4. Instead it is
# asked for as a name of thirteen letters, brackets included, which the proxy would have to look up.
# Ours: proxy/socks/socks5.go takes such a name for the address.
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
import { request, Socks5ProxyAgent } from "undici";

let asked;
const proxy = net.createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", () => {
    socket.write(Buffer.from([5, 0]));
    socket.once("data", (b) => {
      asked = b[3] === 3 ? "the name " + b.subarray(5, 5 + b[4]) : "the address " + b.subarray(4, b.length - 2).toString("hex");
      socket.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])); // refused: who asks is all that counts
    });
  });
});
proxy.listen(0, "127.0.0.1", async () => {
  const url = `socks5://127.0.0.1:${proxy.address().port}`;
  for (const host of ["10.0.0.1", "[2001:db8::1]"]) {
    await request(`http://${host}/`, { dispatcher: new Socks5ProxyAgent(url) }).catch(() => {});
    console.log(`undici, ${host}: ${asked}`);
    await new Promise((done) => http.get(`http://${host}/`, { agent: new SocksProxyAgent(url) }).on("error", done));
    console.log(`socks-proxy-agent, ${host}: ${asked}`);
  }
  process.exit();
});
END
got=$(node --no-warnings judge.mjs)
want='undici, 10.0.0.1: the address 0a000001
socks-proxy-agent, 10.0.0.1: the address 0a000001
undici, [2001:db8::1]: the name [2001:db8::1]
socks-proxy-agent, [2001:db8::1]: the address 20010db8000000000000000000000001'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }
