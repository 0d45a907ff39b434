import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { Broken } from "./Broken";

// The page before one is signed in is small and comes alone; what is behind it, with menu and pages, is loaded when it is needed.
const SignIn = lazy(() => import("../pages/gate/SignIn"));
const SetUp = lazy(() => import("../pages/gate/SetUp"));
const Invitation = lazy(() => import("../pages/gate/Invitation"));
const Forgot = lazy(() => import("../pages/gate/Forgot"));
const ResetPassword = lazy(() => import("../pages/gate/ResetPassword"));
const VerifyEmail = lazy(() => import("../pages/gate/VerifyEmail"));
const Register = lazy(() => import("../pages/gate/Register"));
const loadInside = () => import("./Inside");
const Inside = lazy(loadInside);

/** Whoever signs in wants the inside next. */
export function expectInside() {
  void loadInside().catch(() => {}); // drawing it says what is wrong
}

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
