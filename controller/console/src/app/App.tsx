import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import SignIn from "../pages/gate/SignIn";
import { loadInside } from "./ahead";
import { Broken } from "./Broken";

// The page before one is signed in comes at once, in few files; what is behind it, with menu and pages, is loaded when it is needed.
const SetUp = lazy(() => import("../pages/gate/SetUp"));
const Invitation = lazy(() => import("../pages/gate/Invitation"));
const Forgot = lazy(() => import("../pages/gate/Forgot"));
const ResetPassword = lazy(() => import("../pages/gate/ResetPassword"));
const VerifyEmail = lazy(() => import("../pages/gate/VerifyEmail"));
const Register = lazy(() => import("../pages/gate/Register"));
const Inside = lazy(loadInside);

export function App() {
  return (
    <Broken page="">
      <Suspense fallback={<div role="status" aria-label="Loading" />}>
        <Switch>
          <Route path="/setup" component={SetUp} />
          <Route path="/signin" component={SignIn} />
          <Route path="/invitation" component={Invitation} />
          <Route path="/forgot" component={Forgot} />
          <Route path="/reset-password" component={ResetPassword} />
          <Route path="/verify-email" component={VerifyEmail} />
          <Route path="/register" component={Register} />
          <Route component={Inside} />
        </Switch>
      </Suspense>
    </Broken>
  );
}
