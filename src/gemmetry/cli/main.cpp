#include "gemmetry/cli/app.h"

int main(int argc, char** argv) { return gemmetry::cli::run(argc, argv); }
