import type { Session } from "../../api/types";
import { SignOutButton } from "../../app/signOut";
import { LinkTo } from "../../ui/bits";
import { CreateOrg } from "./CreateOrg";

/** For somebody who is signed in and belongs to no organization. */
export default function Homeless({ session }: { session: Session }) {
  return (
    <main className="fl-gate-main" style={{ minHeight: "100vh" }}>
      <div className="fl-gate-form">
        <div>
          <h1>No organization yet</h1>
          <p className="fl-dim">
            {session.user.email} belongs to none. If you were invited, open the link in the invitation. Or begin one of your own:
          </p>
        </div>
        <CreateOrg />
        <div className="fl-between">
          <LinkTo href="/account">Your account</LinkTo>
          <SignOutButton />
        </div>
      </div>
    </main>
  );
}
