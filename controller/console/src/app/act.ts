import { notifications } from "@mantine/notifications";
import { useMutation, type UseMutationResult } from "@tanstack/react-query";
import { useRef } from "react";
import { ApiError, idempotencyKey } from "../api/client";

interface Act<In, Out> {
  run: (input: In, key: string) => Promise<Out>;
  done?: (out: Out, input: In) => void;
  /** True where the page shows the error itself, beside the form. */
  quiet?: boolean;
}

/** Something a person asks for: one idempotency key until it succeeds or is refused, and the reason shown when it is. */
export function useAct<In = void, Out = unknown>({ run, done, quiet }: Act<In, Out>): UseMutationResult<Out, ApiError, In> {
  const key = useRef("");
  const mutation = useMutation<Out, ApiError, In>({
    mutationFn: (input) => {
      key.current ||= idempotencyKey();
      return run(input, key.current);
    },
    onSuccess: (out, input) => {
      key.current = "";
      done?.(out, input);
    },
    onError: (error) => {
      // Unreachable: the request may have arrived, so the same key must be used again.
      if (error.status !== 0) key.current = "";
      // Whoever closes the dialog that asks for a proof knows that it was not done.
      if (error.code === "step_up_required") mutation.reset();
      else if (!quiet) tellError(error);
    },
  });
  return mutation;
}

export function tellError(error: unknown) {
  const problem = error instanceof ApiError ? error.problem : null;
  notifications.show({
    color: "signal",
    title: problem?.title || "That did not work",
    message: problem?.detail || String(error),
    autoClose: 12_000,
    closeButtonProps: { "aria-label": "Close" },
  });
}

export function tell(message: string, title?: string) {
  notifications.show({ color: "sea", title, message, closeButtonProps: { "aria-label": "Close" } });
}
