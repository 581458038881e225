// How `make page` joins the page's modules: those of the first view into three, of each other view into one. Nothing is made
// shorter: what is served can be read.
export default {
  input: "src/web/modules/app.js",
  output: {
    dir: "src/web/files/joined",
    format: "es",
    chunkFileNames: "[name].js",
    minifyInternalExports: false,
  },
};
