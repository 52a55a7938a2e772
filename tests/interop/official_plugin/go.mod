// Marks the module's root. The requirements are those of the version under test, in
// plugin-<version>.mod, chosen with -modfile.
module ssmsim.test/officialplugin

go 1.19
