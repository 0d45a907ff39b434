import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { orgQuery } from "../api/org";
import { ssoStart } from "../lib/providers";
import { LinkButton } from "../ui/bits";
import { Page } from "../ui/Page";
import { useAccess, useHref } from "./access";

/** Pages that are one's own, whatever the organization asks of who enters it. */
const own = ["/account", "/organizations", "/mail", "/support"];

/**
 * The organization's pages, or, where it asks more of who enters than this session has shown, what to do about it: said once, instead of by
 * every part of a page.
 */
export function Admitted({ path, children }: { path: string; children: ReactNode }) {
  const { org } = useAccess();
  const { error } = useQuery(orgQuery(org.id));
  const code = error instanceof ApiError ? error.code : "";
  if (own.some((each) => path.startsWith(each))) return <>{children}</>;
  if (code === "sso_required" || code === "second_factor_required_here" || code === "address_not_allowed") return <Barred error={error as ApiError} />;
  return <>{children}</>;
}

function Barred({ error }: { error: ApiError }) {
  const { org } = useAccess();
  const href = useHref();
  const provider = (error.problem as { provider?: string }).provider;
  return (
    <Page title={`${org.name} is closed to this session`}>
      <p>{error.message}</p>
      <div className="fl-row">
        {provider && (
          <Button component="a" href={ssoStart(provider, `/o/${org.slug}`)}>
            Sign in with {provider}
          </Button>
        )}
        {error.code === "second_factor_required_here" && <LinkButton href={href("/account/security")}>Open your account</LinkButton>}
      </div>
    </Page>
  );
}
