/** Vite bundles the module and gives the address of the file. */
declare module "*?worker&url" {
  const address: string;
  export default address;
}
