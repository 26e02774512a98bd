"""Pure checks of DESIGN.md section 5 over plain values: one module per subject, each function a list of violations."""
