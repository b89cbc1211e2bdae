#!/usr/bin/env node
// Writes (or with --check compares) what others rely on: ABI and bytecode of every deployed contract in artifacts/, its
// storage layout in snapshots/. Run after `forge build`.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const contracts = ["Gateway", "Escrow", "EcdsaVerifier", "TokenBridge", "BridgedToken", "DevToken", "DevRecipient", "Timelock"];
const check = process.argv.includes("--check");
const stale = [];

function emit(path, value) {
  const text = JSON.stringify(value, null, 1) + "\n";
  if (!check) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    return;
  }
  let committed = "";
  try {
    committed = readFileSync(join(root, path), "utf8");
  } catch {}
  if (committed !== text) stale.push(path);
}

for (const name of contracts) {
  const built = JSON.parse(readFileSync(join(root, `out/${name}.sol/${name}.json`), "utf8"));
  const code = built.bytecode;
  if (Object.keys(code.linkReferences).length > 0) throw new Error(`${name} needs linking`);
  emit(`artifacts/${name}.json`, { abi: built.abi, bytecode: code.object });
  const slots = built.storageLayout.storage.map(({ label, slot, offset, type }) => ({
    label,
    slot,
    offset,
    type: built.storageLayout.types[type].label,
  }));
  emit(`snapshots/storage/${name}.json`, slots);
}

if (stale.length > 0) {
  console.error(`stale snapshots: ${stale.join(", ")}\nrun \`make contracts\` and explain the change in the commit`);
  process.exit(1);
}
