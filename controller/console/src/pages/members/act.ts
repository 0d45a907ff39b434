import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { sessionQuery } from "../../api/session";
import type { Member } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { useAccess } from "../../app/access";

interface Where {
  path: { org: string; user: string };
}

/** Changes a member; one's own permissions are asked for anew. `said` null: the page shows the change by itself. */
function useMemberAct<In>(member: Member, run: (where: Where, input: In, key: string) => Promise<Member>, said: string | null) {
  const { org, session } = useAccess();
  const client = useQueryClient();
  return useAct<In, Member>({
    run: (input, key) => run({ path: { org: org.id, user: member.id } }, input, key),
    done: (now) => {
      client.setQueryData(keys.member(org.id, member.id), now);
      void client.invalidateQueries({ queryKey: keys.members(org.id) });
      void client.invalidateQueries({ queryKey: keys.roles(org.id) });
      if (member.id === session.user.id) void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      if (said) tell(said);
    },
    quiet: said !== null,
  });
}

export const useRoleAct = (member: Member) =>
  useMemberAct(member, (params, role: string) => need(api.PATCH("/api/v1/orgs/{org}/members/{user}", { params, body: { role } })), "The role is changed.");

export const useProjectsAct = (member: Member) =>
  useMemberAct(member, (params, projects: string[] | null) => need(api.PUT("/api/v1/orgs/{org}/members/{user}/projects", { params, body: { projects } })), "The projects are saved.");

export const useAdjustAct = (member: Member) =>
  useMemberAct(
    member,
    (params, body: { granted: string[]; withdrawn: string[] }) => need(api.PUT("/api/v1/orgs/{org}/members/{user}/adjustments", { params, body })),
    "The permissions are saved.",
  );

export const useConnectAct = (member: Member) =>
  useMemberAct(member, (params, allowed: boolean) => need(api.PUT("/api/v1/orgs/{org}/members/{user}/connect-as", { params, body: { allowed } })), null);

export const useOwnerAct = (member: Member) =>
  useMemberAct(
    member,
    ({ path }, owner: boolean, key) =>
      owner
        ? need(api.POST("/api/v1/orgs/{org}/members/{user}/owner", { params: { path, header: { "Idempotency-Key": key } } }))
        : need(api.DELETE("/api/v1/orgs/{org}/members/{user}/owner", { params: { path } })),
    member.owner ? "The ownership is withdrawn." : "There is one more owner.",
  );
