// Validates each file named on the command line with @trustnxt/c2pa-ts and prints one line of JSON for all.
import { readFile } from "node:fs/promises";
import { BMFF, JPEG, PNG } from "@trustnxt/c2pa-ts/asset";
import { SuperBox } from "@trustnxt/c2pa-ts/jumbf";
import { ManifestStore, ValidationResult } from "@trustnxt/c2pa-ts/manifest";

async function validated(path) {
  const data = await readFile(path);
  const Format = [PNG, JPEG, BMFF].find((one) => one.canRead(data));
  if (!Format) return { path, isReadable: false };
  const asset = new Format(data);
  const store = asset.getManifestJUMBF();
  if (!store) return { path, hasManifest: false };
  try {
    const manifests = ManifestStore.read(SuperBox.fromBuffer(store));
    const result = await manifests.validate(asset);
    return { path, hasManifest: true, ...told(result), label: manifests.getActiveManifest()?.label };
  } catch (error) {
    return { path, hasManifest: true, ...told(ValidationResult.fromError(error)) };
  }
}

function told(result) {
  return { isValid: result.isValid, statuses: result.statusEntries };
}

const reports = [];
for (const path of process.argv.slice(2)) reports.push(await validated(path));
console.log(JSON.stringify(reports));
