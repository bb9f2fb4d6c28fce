# C libraries that are built by CMake choose "Debug" for every Cargo profile that is not named release, and would then run unoptimised in the one
# profile that developers and tests use. This adds the optimisation back; NDEBUG stays off, so their assertions stay on.
add_compile_options($<$<COMPILE_LANGUAGE:C>:-O3> $<$<COMPILE_LANGUAGE:CXX>:-O3>)
