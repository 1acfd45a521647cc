/** What crosses from the core, by the names of `app::view`. Generated in `bindings.ts`; this page only passes them on. */
export type * from '../bindings'
