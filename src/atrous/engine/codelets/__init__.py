"""Codelets: one module for each kind of kernel, which writes its code for one layer and one CPU. docs/codelets tells them."""
