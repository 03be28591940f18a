"""A small stand-in for the Azure Functions host: runs ``function_app.app`` on one machine.

It follows the documented behaviour of the real host for the three triggers this project uses (HTTP, queue, timer) and
refuses any other binding. It is one instance: nothing is scaled out.
"""
