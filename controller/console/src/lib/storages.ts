import type { Storage, StorageProvider } from "../api/types";

interface Field {
  label: string;
  /** What it means, and where the provider's own pages have it. */
  says: string;
  example?: string;
}

export interface Preset {
  title: string;
  /** What it is, in a few words. */
  note: string;
  /** What says where the storage is; the provider's rules give the rest. */
  place: "region" | "account" | "endpoint";
  where: Field;
  bucket: string;
  keys: string;
}

/** What each provider calls the things that a storage needs. */
export const presets: Record<StorageProvider, Preset> = {
  aws: {
    title: "AWS S3",
    note: "Amazon's own",
    place: "region",
    where: { label: "Region", says: "Stands beside the bucket in the S3 console's list of buckets.", example: "eu-central-1" },
    bucket: "Make one in the S3 console that blocks all public access.",
    keys: "IAM, Users, the user, Security credentials, Create access key. The user needs no more than this bucket.",
  },
  r2: {
    title: "Cloudflare R2",
    note: "No charge for reading",
    place: "account",
    where: { label: "Account ID", says: "On R2's overview page under Account details: 32 signs. Or paste the S3 API address that a bucket's settings show.", example: "023e105f4ecef8ad9ca31a8372d0c353" },
    bucket: "Make one under R2, Create bucket; it needs no public access.",
    keys: "R2, Manage API tokens, Create API token with “Object Read & Write” for this bucket; the keys are shown once.",
  },
  b2: {
    title: "Backblaze B2",
    note: "S3 API of B2",
    place: "region",
    where: { label: "Region", says: "The middle of the bucket's Endpoint on the Buckets page: s3.<region>.backblazeb2.com.", example: "eu-central-003" },
    bucket: "Make a private one on the Buckets page; its lifecycle should keep only the last version.",
    keys: "Application Keys, Add a New Application Key for this bucket: keyID is the access key, applicationKey the secret key. The master key does not work.",
  },
  minio: {
    title: "MinIO",
    note: "On machines of yours",
    place: "endpoint",
    where: { label: "Endpoint", says: "The address of MinIO's API, which is not that of its console; the servers must reach it by https.", example: "https://minio.example.org:9000" },
    bucket: "Make one in MinIO's console, or with mc mb.",
    keys: "In MinIO's console under Access Keys, or mc admin accesskey create; limit it to this bucket.",
  },
  ceph: {
    title: "Ceph",
    note: "RADOS Gateway",
    place: "endpoint",
    where: { label: "Endpoint", says: "The address of the RADOS Gateway (RGW); the servers must reach it by https.", example: "https://rgw.example.org" },
    bucket: "Make one with any S3 client, with the keys of the user below.",
    keys: "radosgw-admin user create prints both; radosgw-admin user info shows them again.",
  },
  other: {
    title: "Another one",
    note: "With an S3 API",
    place: "endpoint",
    where: { label: "Endpoint", says: "The provider's pages call it S3 endpoint: https, a host, perhaps a port, without the bucket.", example: "https://s3.example.org" },
    bucket: "Make a private one at the provider.",
    keys: "The provider's pages call them S3 credentials or access keys; limit them to this bucket where it lets you.",
  },
};

export const providers = Object.keys(presets) as StorageProvider[];

/** As the form holds it: a secret that is empty stays as it is. */
export interface StorageDraft {
  name: string;
  provider: StorageProvider;
  /** Region, account or endpoint, as the provider's preset says. */
  where: string;
  /** Where the provider's place is an endpoint; "": what the provider takes. */
  region: string;
  bucket: string;
  prefix: string;
  addressing: "" | Storage["addressing"];
  accessKey: string;
  secretKey: string;
  sessionToken: string;
  dropToken: boolean;
  ca: string;
  objectLock: Storage["object_lock"];
  objectLockDays: number | string;
  testOn: string | null;
}

const account = /^https:\/\/([0-9a-f]{32})\.r2\.cloudflarestorage\.com\/?$/;

export function draftOf(storage: Storage | null, testOn: string | null): StorageDraft {
  if (!storage) {
    return { name: "", provider: "aws", where: "", region: "", bucket: "", prefix: "", addressing: "", accessKey: "", secretKey: "", sessionToken: "", dropToken: false, ca: "", objectLock: "none", objectLockDays: "", testOn };
  }
  const { place } = presets[storage.provider];
  return {
    name: storage.name,
    provider: storage.provider,
    where: place === "region" ? storage.region : place === "account" ? (account.exec(storage.endpoint)?.[1] ?? storage.endpoint) : storage.endpoint,
    region: place === "endpoint" ? storage.region : "",
    bucket: storage.bucket,
    prefix: storage.prefix,
    addressing: storage.addressing,
    accessKey: storage.access_key,
    secretKey: "",
    sessionToken: "",
    dropToken: false,
    ca: storage.ca ?? "",
    objectLock: storage.object_lock,
    objectLockDays: storage.object_lock_days || "",
    testOn,
  };
}

/** Where the storage is, as the API wants it. */
export function placeOf({ provider, where, region }: Pick<StorageDraft, "provider" | "where" | "region">): { region?: string; account_id?: string; endpoint?: string } {
  const text = where.trim();
  switch (presets[provider].place) {
    case "region":
      return { region: text };
    case "account": {
      const found = account.exec(text)?.[1] ?? text;
      return found.startsWith("https://") ? { endpoint: found } : { account_id: found.toLowerCase() };
    }
    case "endpoint":
      return { endpoint: text, ...(region.trim() ? { region: region.trim() } : {}) };
  }
}

function tokenOf({ sessionToken, dropToken }: StorageDraft): { session_token?: string | null } {
  if (sessionToken) return { session_token: sessionToken.trim() };
  return dropToken ? { session_token: null } : {};
}

/** What is said of the form as a whole; secrets only where something was typed. */
export function bodyOf(draft: StorageDraft) {
  return {
    name: draft.name.trim(),
    provider: draft.provider,
    ...placeOf(draft),
    bucket: draft.bucket.trim(),
    prefix: draft.prefix.trim().replace(/^\/+|\/+$/g, ""),
    ...(draft.addressing ? { addressing: draft.addressing } : {}),
    access_key: draft.accessKey.trim(),
    ...(draft.secretKey ? { secret_key: draft.secretKey.trim() } : {}),
    ...tokenOf(draft),
    ca: draft.ca.trim() || null,
    object_lock: draft.objectLock,
    object_lock_days: draft.objectLock === "none" ? 0 : Number(draft.objectLockDays) || 0,
    ...(draft.testOn ? { test_on_server: draft.testOn } : {}),
  };
}
