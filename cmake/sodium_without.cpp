// sodium_init() asks each primitive which of its variants is fastest here, and so brings along all
// variants of all primitives. Of these the agent uses none, and their variants are 70 KB. Should it
// ever use one, the linker finds its entry twice and says so.
extern "C" {
int _crypto_generichash_blake2b_pick_best_implementation() {
    return 0;
}
int _crypto_pwhash_argon2_pick_best_implementation() {
    return 0;
}
int _crypto_stream_salsa20_pick_best_implementation() {
    return 0;
}
}
