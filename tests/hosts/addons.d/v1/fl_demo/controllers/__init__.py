from . import main, slow
